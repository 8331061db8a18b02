"""Programs that others wrote read the messages of the corpus, and verify their signatures."""
