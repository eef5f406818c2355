"""Pages for people, as PDF or HTML: words, tables and drawings, laid out once for both."""
