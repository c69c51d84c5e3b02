-- The same, with names and times, for people: start with `select * from fleet`.

create function time_of(ms double precision) returns timestamptz
language sql immutable strict parallel safe as
$$ select to_timestamp(greatest(least(ms, 8.64e15), -2.1e14) / 1000) $$;
comment on function time_of is 'A time from ms epoch; absurd ones as the end of what can be shown.';

create function ms_of(moment timestamptz) returns double precision
language sql immutable strict parallel safe as
$$ select (extract(epoch from moment) * 1000)::double precision $$;
comment on function ms_of is 'ms epoch of a time, exact to the microsecond.';

create view fleet as
select d.id as device, d.kind, d.site, d.registered,
  coalesce(t.state, 'offline') as state, t.path, t.since,
  t.measured_at, t.error_ms, t.received_at as last_contact, t.first_heard_at,
  t.firmware, t.incarnation, t.boot, t.seq, t.version,
  t.reported::jsonb -> 'sensors' as sensors,
  (select array_agg(s ->> 'reason') from json_array_elements(t.suspicions) s) as suspicions,
  t.hold ->> 'id' as hold, t.hold ->> 'by' as held_by, time_of((t.hold ->> 'until')::float8) as held_until,
  t.desired_version, t.desired::jsonb, d.labels
from device d left join twin t on t.device = d.key;
comment on view fleet is 'One line per device: what is known of it.';

create view history as
select d.id as device, r.incarnation, r.boot, r.seq, r.state,
  time_of(case
    when c.device is null and t.boot = r.boot and t.incarnation = r.incarnation then ms_of(t.measured_at) + r.up - t.up
    when c.earliest_at is null then c.latest_at + r.up - c.latest_up
    else (c.latest_at + r.up - c.latest_up + c.earliest_at + r.up - c.earliest_up) / 2
  end) as measured_at,
  r.received_at, r.is_late, r.up, r.body::jsonb
from report r
join device d on d.key = r.device
left join twin t on t.device = r.device
left join boot_clock c on c.device = r.device and c.incarnation = r.incarnation and c.boot = r.boot
  and not (t.boot = r.boot and t.incarnation = r.incarnation);
comment on view history is
  'Every report with its device and when it was measured, by the boot''s clock as known now (without the stretch for drift). '
  'Order it by incarnation, boot, seq: never by received_at.';

create view journal as
select d.id as device, j.no, j.from_path, j.to_path, j.cause, j.detail, j.measured_at, j.error_ms, j.recorded_at,
  j.version, j.incarnation, j.boot, j.seq
from transition j join device d on d.key = j.device;
comment on view journal is 'Every transition of the known state, with its device.';

create view ledger as
select d.id as device, c.id, c.n, c.name, c.args::jsonb, c.by, c.outcome, c.reason, c.proof,
  c.accepted_at, c.sent_at, c.certain_at, c.decided_at, c.closed_at, c.incarnation, c.boot, c.not_after_up, c.hold_ms, c.epoch
from command c join device d on d.key = c.device;
comment on view ledger is 'Every command with its device and outcome.';

create view inventory as
select d.id as device, c.slot, m.name as model, c.serial, c.firmware, c.since
from component c join device d on d.key = c.device join model m on m.key = c.model;
comment on view inventory is 'What is built into each device now.';

create view inventory_history as
select d.id as device, c.slot, c.change, c.before, c.after, c.measured_at, c.recorded_at, c.incarnation, c.boot, c.seq
from inventory_change c join device d on d.key = c.device;
comment on view inventory_history is 'Every change of what is built into a device.';
