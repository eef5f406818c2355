"""What is known of values, by subject: pure functions, tested on their own. Light: libraries are imported on use."""
