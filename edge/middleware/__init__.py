"""What surrounds every HTTP request, one file a layer, outermost first in `edge.app`."""
