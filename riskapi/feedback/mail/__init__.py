"""Raw mail that tells what became of other mail: bounces, complaints, and what only looks like them."""
