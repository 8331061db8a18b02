"""Tests of the commands of the Makefile."""
