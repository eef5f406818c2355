"""The library behind the deployment. Each folder is a room; docs/walk.md follows one drop through them."""
