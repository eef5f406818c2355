"""The object store's index of names: what is live in it, written anew, so that nothing else is left."""
