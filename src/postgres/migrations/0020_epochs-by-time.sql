-- Epochs grow with time, so that a database that was set back is ahead of every epoch that it gave before and does not know of.

drop sequence lease_epoch;
comment on column lease.epoch is 'Changes with every taking and giving back: at each taking at least the milliseconds since 1970.';
