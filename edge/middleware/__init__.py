"""The layers around every HTTP request, one to a file; `edge.app` lists them, outermost first."""
