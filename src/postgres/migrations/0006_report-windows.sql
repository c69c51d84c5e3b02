-- Where a window of time ends in a boot, without reading what comes after it.

create function seq_after(of_device integer, of_incarnation integer, of_boot bigint, of_up bigint) returns bigint
language plpgsql stable parallel safe as $$
declare
  low bigint := 0;
  high bigint;
  middle bigint;
  next record;
begin
  select r.seq + 1 into high from report r
  where r.device = of_device and r.incarnation = of_incarnation and r.boot = of_boot
  order by r.seq desc limit 1;
  while low < high loop
    middle := low + (high - low) / 2;
    select r.seq, r.up into next from report r
    where r.device = of_device and r.incarnation = of_incarnation and r.boot = of_boot and r.seq >= middle
    order by r.seq limit 1;
    if next.up > of_up then high := middle; else low := next.seq + 1; end if;
  end loop;
  return low;
end $$;
comment on function seq_after is
  'The first seq of a boot after all its reports with an uptime of at most of_up, because uptime grows with seq.';
