-- Looking into the fleet without reading all of it.

create index twin_state on twin (state, device);
create index twin_suspicion on twin (device) where suspicions is not null;
comment on table twin is
  'The twin of each device ever heard or configured: one row, rewritten by each batch that changes it. The view fleet reads well. '
  'There is no quality here: it depends on how old the measurement is when somebody asks. '
  'Only columns that seldom change are indexed (state, suspicions): a rewrite that leaves them as they were stays on its page (HOT).';

create index command_open on command (device) where closed_at is null;
create index dead_letter_time on dead_letter (received_at, sequence);
create index dead_letter_device on dead_letter (device, received_at, sequence);

-- Transitions are recorded in the order of time: that takes next to nothing to write.
create index transition_time on transition using brin (recorded_at);
