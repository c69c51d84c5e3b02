-- Devices that somebody else speaks for, and what is known of that source.

alter table twin add column via json;
comment on column twin.via is
  'Who speaks for the device, as its newest report says: {id, session, doubt, since, said}, times in ms epoch. doubt is away, back, session or replay, or null: why what was said through it is not to be trusted. Null while the device speaks itself.';

create table source_replay (
  source text primary key,
  site text not null,
  partition smallint not null,
  at double precision not null,
  devices integer not null,
  spoken_for integer not null
);
comment on table source_replay is
  'What owners of devices saw of the source that speaks for them, the last time that it played again what was said before. The owner of the source itself (partition is that of its twin) reads it there.';
comment on column source_replay.at is 'When the hub stored what showed it, ms epoch.';
comment on column source_replay.devices is 'So many devices saw it, of the spoken_for that the owner who found it has.';
