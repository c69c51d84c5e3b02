-- Where the bounds of a boot's clock cross, a segment of it ends and another one begins. And nothing was measured after it was received.

alter table boot_clock
  add column from_seq bigint not null default 0,
  add column until_seq bigint,
  add column broken_at double precision,
  add column began_up bigint not null default 0,
  add column agreed_from bigint,
  add column agreed_to bigint,
  add column slowest_ms double precision,
  drop constraint boot_clock_pkey,
  add primary key (device, incarnation, boot, from_seq);
comment on table boot_clock is
  'When, in server time, the uptime of a device was what, for every boot, or segment of one, but the present one (that one is in twin). '
  'History is timed by it. A boot has one segment, unless its clock was found not to keep pace with the time that passed.';
comment on column boot_clock.from_seq is 'The first report that it times; 0 for the first segment of a boot.';
comment on column boot_clock.until_seq is 'The first report that the next segment times; null for the last one.';
comment on column boot_clock.broken_at is
  'ms epoch: when its bounds were found to cross; what it times had been measured by then. Null while they agree.';
comment on column boot_clock.began_up is 'The uptime with which the boot or segment began: 0, unless its first report says another one.';
comment on column boot_clock.agreed_from is
  'Round trips agree from this uptime to agreed_to. Once the clock is broken, the pace of nothing else is believed.';
comment on column boot_clock.slowest_ms is 'How long the slowest of those round trips took.';

drop index boot_clock_began;
create index boot_clock_began on boot_clock (device, (latest_at - latest_up + began_up));

create or replace view history as
select d.id as device, r.incarnation, r.boot, r.seq, r.state,
  time_of(least(case
    when c.device is null and t.boot = r.boot and t.incarnation = r.incarnation then ms_of(t.measured_at) + r.up - t.up
    when c.earliest_at is null then c.latest_at + r.up - c.latest_up
    else (c.latest_at + r.up - c.latest_up + c.earliest_at + r.up - c.earliest_up) / 2
  end, ms_of(r.received_at), c.broken_at)) as measured_at,
  r.received_at, r.is_late, r.up, r.body::jsonb
from report r
join device d on d.key = r.device
left join twin t on t.device = r.device
left join boot_clock c on c.device = r.device and c.incarnation = r.incarnation and c.boot = r.boot
  and r.seq >= c.from_seq and (c.until_seq is null or r.seq < c.until_seq)
  and not (t.boot = r.boot and t.incarnation = r.incarnation and c.until_seq is null);
comment on view history is
  'Every report with its device and when it was measured, by the boot''s clock as known now (without the stretch for drift), and never '
  'after it was received. Order it by incarnation, boot, seq: never by received_at.';
