"""Enrolment, certificates, revocation."""
