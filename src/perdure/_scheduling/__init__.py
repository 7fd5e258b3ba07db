"""When deployments run: schedules and their ticks, partitions and their keys. Pure: nothing here looks at a clock."""
