"""Real parts that tests script: SMTP and HTTP receivers, DNS servers, databases and whole stacks."""
