"""Recoup: the integration adapter and reporting toolkit for California's Attendance Recovery programs."""

__version__ = "0.1.0"
