"""Reports about mail after it was accepted by a receiving system: complaints, and late bounces."""
