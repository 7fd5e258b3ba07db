"""What a maintainer runs at a release: the documentation of all releases, and a release's signed notes."""
