"""Window and receipts (sans-IO), and the gRPC channel around them."""
