-- What is known of each device now.

create table twin (
  device integer primary key references device,
  partition smallint not null,
  kind text not null,
  site text not null,
  version bigint not null,
  path text not null,
  state text not null generated always as (split_part(path, '.', 1)) stored,
  since timestamptz,
  measured_at timestamptz,
  error_ms double precision,
  received_at timestamptz,
  first_heard_at timestamptz,
  incarnation integer not null,
  boot bigint,
  seq bigint,
  up bigint,
  firmware text,
  reported json,
  hold json,
  suspicions json,
  desired_version bigint not null,
  desired json,
  snapshot bytea not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
create index twin_partition on twin (partition);
comment on table twin is
  'The twin of each device ever heard or configured: one row, rewritten by each batch that changes it. The view fleet reads well. '
  'There is no quality here: it depends on how old the measurement is when somebody asks. '
  'No column that changes is indexed, so that a rewrite stays on its page (HOT).';
comment on column twin.path is 'Where the kind''s machine is: charging.delivering.';
comment on column twin.state is 'What the world sees of it: charging.';
comment on column twin.since is 'When this state began, as measured.';
comment on column twin.measured_at is
  'When the newest report was MEASURED, in server time. Times of devices may be absurd: anything outside 4713 BC to 275760 AD is kept as that end.';
comment on column twin.error_ms is 'measured_at is right within this; null until a round trip bounds it.';
comment on column twin.received_at is 'Last contact: when anything of it arrived, however old its content.';
comment on column twin.first_heard_at is 'First contact, to the precision of one batch.';
comment on column twin.incarnation is 'Grows when the device is proved to have begun counting its boots anew.';
comment on column twin.up is 'Uptime of the device in the newest report, ms.';
comment on column twin.reported is 'The newest report, whole.';
comment on column twin.hold is '{id, by, since, until, certainUntil}, times in ms epoch; null when nobody holds it.';
comment on column twin.suspicions is '[{reason, since, detail}], times in ms epoch; null when there are none.';
comment on column twin.desired is 'Desired configuration of desired_version; null while it is empty.';
comment on column twin.snapshot is
  'The rest of the twin, and its times without rounding: MessagePack after one byte that tells the version.';

create table boot_clock (
  device integer not null,
  incarnation integer not null,
  boot bigint not null,
  latest_up bigint not null,
  latest_at double precision not null,
  earliest_up bigint,
  earliest_at double precision,
  primary key (device, incarnation, boot)
) with (fillfactor = 80);
comment on table boot_clock is
  'When, in server time, the uptime of a device was what, for every boot but the present one (that one is in twin). History is timed by it.';
comment on column boot_clock.latest_at is 'ms epoch: the device''s uptime was latest_up no later than this.';
comment on column boot_clock.earliest_at is 'ms epoch: the device''s uptime was earliest_up no earlier than this; null without a round trip.';
