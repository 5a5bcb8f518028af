"""The append-only log over everything that was accepted: checkpoints, proofs, audit, bundles."""
