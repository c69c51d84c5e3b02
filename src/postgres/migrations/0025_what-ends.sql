-- What executing a command ends besides, as whoever asked was told: a reboot of a device in use.

alter table command add column ends text;
comment on column command.ends is
  'What executing it ends besides, in the state in which it was accepted, as half a sentence; null where nothing.';

create or replace view ledger as
select d.id as device, c.id, c.n, c.name, c.args::jsonb, c.by, c.outcome, c.reason, c.proof,
  c.accepted_at, c.sent_at, c.certain_at, c.decided_at, c.closed_at, c.incarnation, c.boot, c.not_after_up, c.hold_ms, c.epoch,
  c.compensated_by, c.asker, c.ends
from command c join device d on d.key = c.device;
