-- What undoes a command, for a caller whose late outcome is not wanted any more.

alter table command add column compensated_by text;
comment on column command.compensated_by is
  'The command that undoes it, as its kind had it when it was accepted; null where nothing does. It is never sent of itself.';
comment on column command.proof is 'What proved the outcome, by its name and in words: ring-entry: report 3/17 names it done.';

create or replace view ledger as
select d.id as device, c.id, c.n, c.name, c.args::jsonb, c.by, c.outcome, c.reason, c.proof,
  c.accepted_at, c.sent_at, c.certain_at, c.decided_at, c.closed_at, c.incarnation, c.boot, c.not_after_up, c.hold_ms, c.epoch,
  c.compensated_by
from command c join device d on d.key = c.device;
