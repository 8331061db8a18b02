"""The days for which data is kept, and the sweepers that delete what is older (contract row F-13)."""
