"""Why a run called its function, or did not."""
