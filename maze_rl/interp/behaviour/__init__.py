"""What the choices at forks show, with nothing inside touched: look-ahead, flips, simple rules."""
