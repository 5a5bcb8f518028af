"""The servicer that receives journals: verify, accept once, receipt."""
