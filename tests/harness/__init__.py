"""The world around the platform: receivers, resolvers, databases and whole stacks, scripted by tests."""
