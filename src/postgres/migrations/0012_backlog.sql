-- Messages that were set aside for others stay undecided below the position.

alter table lease add column backlog bigint[] not null default '{}';
comment on column lease.backlog is
  'Sequences up to position that were set aside while others waited, and are not committed yet: buffers that devices emptied.';
