-- What happened: reports, the journal (transitions, outcomes, dead letters), and the ledger of commands.

create table report (
  device integer not null,
  incarnation integer not null,
  boot bigint not null,
  seq bigint not null,
  up bigint not null,
  received_at timestamptz not null,
  is_late boolean not null,
  state text not null,
  body json not null
) partition by range (received_at);
create index report_position on report (device, incarnation, boot, seq, up);
create table report_default partition of report default;
comment on table report is
  'Every report, once. One partition per day (UTC) of received_at, made ahead and dropped after the retention by the runtime. '
  'When a report was measured follows from boot, up and the boot''s clock: the view history tells it.';
comment on table report_default is 'Reports of a day without a partition: the safety net.';
comment on column report.received_at is 'When the hub''s stream stored it.';
comment on column report.is_late is 'It came after a newer one, so it only fills history.';
comment on column report.up is 'Uptime of the device when this was measured, ms.';
comment on column report.body is 'The whole report, as it came.';

create table transition (
  partition smallint not null,
  no bigint not null,
  device integer not null,
  from_path text not null,
  to_path text not null,
  cause text not null,
  detail text not null,
  measured_at timestamptz not null,
  error_ms double precision,
  recorded_at timestamptz not null,
  version bigint not null,
  incarnation integer not null,
  boot bigint,
  seq bigint,
  primary key (partition, no)
);
create index transition_device on transition (device, no);
comment on table transition is 'Journal: every transition of the KNOWN state, with its cause. What the device really was follows from report.';
comment on column transition.no is 'Number in the journal of the partition, shared with outcome and dead_letter.';
comment on column transition.cause is 'report, silence, deadline, command or engineer.';
comment on column transition.measured_at is 'When what caused it was measured, as estimated then.';
comment on column transition.version is 'Version of the twin after it.';

create table outcome (
  partition smallint not null,
  no bigint not null,
  device integer not null,
  outcome text not null,
  entry json not null,
  primary key (partition, no)
);
comment on table outcome is 'Journal: a command''s outcome became known, or known better.';
comment on column outcome.entry is 'The ledger''s entry as it stood then; times in ms epoch.';

create table dead_letter (
  partition smallint not null,
  no bigint not null,
  site text not null,
  device text not null,
  sequence bigint not null,
  received_at timestamptz not null,
  reason text not null,
  detail text not null,
  bytes integer not null,
  primary key (partition, no)
);
comment on table dead_letter is 'Journal: messages that could not be read. Their bytes are in the stream DEVICES while it keeps them.';
comment on column dead_letter.device is 'The device token of the subject, whatever it was.';
comment on column dead_letter.sequence is 'In the stream DEVICES.';

create table command (
  device integer not null,
  id text collate "C" not null,
  n bigint not null,
  name text not null,
  args json not null,
  by text,
  epoch bigint not null,
  incarnation integer not null,
  boot bigint,
  not_after_up double precision,
  hold_ms double precision,
  accepted_at timestamptz not null,
  sent_at timestamptz not null,
  certain_at timestamptz not null,
  outcome text not null,
  reason text,
  proof text,
  decided_at timestamptz,
  closed_at timestamptz,
  primary key (device, id),
  unique (device, n)
) with (fillfactor = 80);
comment on table command is 'Ledger: every command a twin accepted, and its outcome.';
comment on column command.id is 'The caller''s idempotency key.';
comment on column command.n is 'The twin''s number for it, which the device names in its answer.';
comment on column command.by is 'On whose behalf.';
comment on column command.epoch is 'Lease epoch under which it was accepted.';
comment on column command.not_after_up is 'The device may start it while its uptime is at most this, ms, in boot.';
comment on column command.certain_at is 'After this it cannot start any more.';
comment on column command.outcome is 'pending, done, rejected, expired or unknown.';
comment on column command.proof is 'What proved the outcome.';
comment on column command.closed_at is 'When no other outcome can follow; null while one may.';
