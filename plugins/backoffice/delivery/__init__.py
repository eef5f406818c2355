"""Write the agreed format, encrypt it to the client, hand it over once."""
