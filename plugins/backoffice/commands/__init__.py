"""What `backoffice` can do: one module a noun."""
