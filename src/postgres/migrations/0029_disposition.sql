-- What became of a report, in the words of HTTP, logs and metrics.

create or replace view history as
select d.id as device, r.incarnation, r.boot, r.seq, r.state,
  time_of(least(case
    when c.device is null and t.boot = r.boot and t.incarnation = r.incarnation then ms_of(t.measured_at) + r.up - t.up
    when c.earliest_at is null then c.latest_at + r.up - c.latest_up
    else (c.latest_at + r.up - c.latest_up + c.earliest_at + r.up - c.earliest_up) / 2
  end, ms_of(r.received_at), c.broken_at)) as measured_at,
  r.received_at, r.is_late, r.up, r.body::jsonb,
  case when r.is_late then 'late' else 'latest' end as disposition
from report r
join device d on d.key = r.device
left join twin t on t.device = r.device
left join boot_clock c on c.device = r.device and c.incarnation = r.incarnation and c.boot = r.boot
  and r.seq >= c.from_seq and (c.until_seq is null or r.seq < c.until_seq)
  and not (t.boot = r.boot and t.incarnation = r.incarnation and c.until_seq is null);
comment on column history.disposition is
  'latest: it was the newest report when it came; late: it came after a newer one, so it only fills history (is_late, the old column, is true).';
