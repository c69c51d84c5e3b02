-- What there is: devices, the models of their components, and every change of them.

create function partition_of(id text) returns smallint
language plpgsql immutable strict parallel safe as $$
declare
  hash bigint := 2166136261;
  bytes bytea := convert_to(id, 'UTF8');
begin
  for i in 0 .. length(bytes) - 1 loop
    hash := ((hash # get_byte(bytes, i)) * 16777619) & 4294967295;
  end loop;
  return hash % 32;
end $$;
comment on function partition_of is
  'The partition of a device id: FNV-1a 32 modulo 32, the same as the mapping on the hub.';

create sequence device_key as integer;

create table device (
  key integer primary key default nextval('device_key'),
  id text collate "C" not null unique check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  partition smallint not null generated always as (partition_of(id)) stored,
  kind text not null,
  site text not null,
  registered boolean not null default false,
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object')
);
alter sequence device_key owned by device.key;
create index device_partition on device (partition);
comment on table device is 'Every device that is registered or was ever heard.';
comment on column device.key is 'What other tables call it. Never leaves the database.';
comment on column device.id is 'What the world calls it: one token of a NATS subject.';
comment on column device.partition is 'The share of the fleet it belongs to; one node decides for each (table lease).';
comment on column device.site is 'The site that may speak as this device.';
comment on column device.registered is 'False for a device that was heard before anybody registered it.';
comment on column device.labels is 'Free names and values, such as {"fleet": "north"}.';

create table model (
  key integer generated always as identity primary key,
  name text not null unique
);
comment on table model is 'Models of components, as devices name them.';

create table component (
  device integer not null references device,
  slot text not null,
  model integer not null references model,
  serial text not null,
  firmware text,
  since timestamptz not null,
  primary key (device, slot)
) with (fillfactor = 80);
create index component_serial on component (serial);
comment on table component is 'What is built into each device, by the newest scan it sent.';
comment on column component.since is 'When the scan that first named it in this form was measured.';

create table inventory_scan (
  device integer primary key references device,
  incarnation integer not null,
  boot bigint not null,
  seq bigint not null
) with (fillfactor = 80);
comment on table inventory_scan is
  'Which report held the newest scan of a device. A scan that is older and arrives later changes nothing: it is in report.';

create table inventory_change (
  no bigint generated always as identity primary key,
  device integer not null references device,
  slot text not null,
  change text not null check (change in ('added', 'removed', 'replaced', 'updated')),
  before jsonb check (before is null = (change = 'added')),
  after jsonb check (after is null = (change = 'removed')),
  measured_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  incarnation integer not null,
  boot bigint not null,
  seq bigint not null
);
create index inventory_change_device on inventory_change (device, no);
comment on table inventory_change is 'Every change of component: which modem was in this charger on 3 May?';
comment on column inventory_change.change is
  'replaced: another serial or model in the slot; updated: the same part with another firmware.';
comment on column inventory_change.before is '{model, serial, firmware}, null for added.';
comment on column inventory_change.after is '{model, serial, firmware}, null for removed.';
comment on column inventory_change.measured_at is
  'When the scan was measured, as estimated when it was recorded: the change happened before it and after the scan before.';
comment on column inventory_change.seq is 'With incarnation and boot: the report that held the scan.';
