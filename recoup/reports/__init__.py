"""What people read of a run: the summary of it, and one student's story. Nothing here computes a day."""
