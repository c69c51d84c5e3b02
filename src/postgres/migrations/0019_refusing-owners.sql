-- Why the owner of a partition accepts no commands, for whoever asks another node, or nobody, why a command would be refused.

alter table lease add column refuses text;
comment on column lease.refuses is
  'Why its owner accepts no commands for these devices, as it said with the last renewal: its clock is wrong, say. Null where nothing keeps it from it.';
