-- Who decides for which devices, and how far they got.

create sequence lease_epoch;

create table lease (
  partition smallint primary key check (partition between 0 and 31),
  owner text,
  epoch bigint not null default 0,
  expires_at timestamptz check (expires_at is null = (owner is null)),
  position bigint not null default 0,
  batch bigint not null default 0,
  journal bigint not null default 0,
  published bigint not null default 0
) with (fillfactor = 10);
insert into lease (partition) select generate_series(0, 31);
comment on table lease is 'Which node decides for a partition. Every commit moves its row, and only while epoch and batch are as the node knows them.';
comment on column lease.owner is 'The node that holds it, or null. It may still commit after expires_at, until another node takes it.';
comment on column lease.epoch is 'Changes with every taking and giving back; from one sequence, so that it grows over all partitions.';
comment on column lease.position is 'Sequence in the stream DEVICES up to which everything of this partition is committed.';
comment on column lease.batch is 'Number of the last committed batch.';
comment on column lease.journal is 'Number of the last line of this partition''s journal (transition, outcome, dead_letter).';
comment on column lease.published is 'Number up to which journal lines are known to be stored in their NATS streams.';

create function refuse_commit(partitions smallint[]) returns boolean
language plpgsql as $$
begin
  raise exception 'partitions % are no longer held under this epoch and batch', partitions
    using errcode = 'FENCE', detail = array_to_string(partitions, ',');
end $$;
comment on function refuse_commit is
  'Ends a commit whose fence did not hold, so that nothing of it is written. SQLSTATE FENCE; the detail lists the partitions.';
