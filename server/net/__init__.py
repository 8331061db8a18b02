"""The one way out: names are looked up, addresses checked, connections made here."""
