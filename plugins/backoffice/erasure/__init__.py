"""Delete, look again, certify."""
