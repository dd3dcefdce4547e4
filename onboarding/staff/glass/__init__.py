"""Breaking glass: a secret in an emergency, by two people, once, and told to its merchant."""
