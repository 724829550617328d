BEGIN TRANSACTION;
CREATE TABLE lineal_aliases (
	seq BIGINT NOT NULL, 
	namespace TEXT NOT NULL, 
	name TEXT NOT NULL, 
	alias VARCHAR(255) NOT NULL, 
	number INTEGER, 
	previous INTEGER, 
	moved_at VARCHAR(40) NOT NULL, 
	moved_by TEXT, 
	reason TEXT, 
	run_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (seq, namespace, name, alias)
);
INSERT INTO "lineal_aliases" VALUES(2,'mlflow://local','demo','champion',1,NULL,'2026-01-01T00:00:09.123456+00:00','a rule','held','11111111-1111-4111-8111-000000000001');
INSERT INTO "lineal_aliases" VALUES(4,'mlflow://local','demo','champion',2,NULL,'2026-01-01T01:00:09+00:00','a rule','held','11111111-1111-4111-8111-000000000002');
INSERT INTO "lineal_aliases" VALUES(6,'mlflow://local','demo','champion',3,NULL,'2026-01-01T04:00:09.5+02:00','a rule','held','11111111-1111-4111-8111-000000000003');
CREATE TABLE lineal_datasets (
	"key" VARCHAR(32) NOT NULL, 
	namespace TEXT NOT NULL, 
	name TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "lineal_datasets" VALUES('844460c2d676503a8c51442a3d7b0c85','d','t0');
INSERT INTO "lineal_datasets" VALUES('55ec8f88961af6765febee4a322e7982','d','t1');
INSERT INTO "lineal_datasets" VALUES('366d1d6a3d8c3b35a9f942099c800ba3','d','t2');
INSERT INTO "lineal_datasets" VALUES('822f2f83acc5f3614df4d61d5275d10d','d','t3');
CREATE TABLE lineal_edges (
	run_id VARCHAR(36) NOT NULL, 
	role VARCHAR(1) NOT NULL, 
	version VARCHAR(32) NOT NULL, 
	PRIMARY KEY (run_id, role, version)
);
INSERT INTO "lineal_edges" VALUES('11111111-1111-4111-8111-000000000001','i','2169304da91fdc6a89280d5205d6d19e');
INSERT INTO "lineal_edges" VALUES('11111111-1111-4111-8111-000000000001','o','60f9174c8c86c04d5cdc419508181ae1');
INSERT INTO "lineal_edges" VALUES('11111111-1111-4111-8111-000000000002','i','60f9174c8c86c04d5cdc419508181ae1');
INSERT INTO "lineal_edges" VALUES('11111111-1111-4111-8111-000000000002','o','3ef700ed1703783b707d698f682df1fd');
INSERT INTO "lineal_edges" VALUES('11111111-1111-4111-8111-000000000003','i','3ef700ed1703783b707d698f682df1fd');
INSERT INTO "lineal_edges" VALUES('11111111-1111-4111-8111-000000000003','o','e0ab76d5e397eaae4f3fa6c7f55e8249');
CREATE TABLE lineal_events (
	seq INTEGER NOT NULL, 
	run_id VARCHAR(36), 
	event_type VARCHAR(10), 
	event_time VARCHAR(40) NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "lineal_events" VALUES(1,'11111111-1111-4111-8111-000000000001','START','2026-01-01T00:00:00.123456+00:00','{"eventType":"START","eventTime":"2026-01-01T00:00:00.123456+00:00","producer":"urn:test","run":{"runId":"11111111-1111-4111-8111-000000000001","facets":{}},"job":{"namespace":"n","name":"job1"},"inputs":[{"namespace":"d","name":"t0","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}],"outputs":[]}');
INSERT INTO "lineal_events" VALUES(2,'11111111-1111-4111-8111-000000000001','COMPLETE','2026-01-01T00:00:09.123456+00:00','{"eventType":"COMPLETE","eventTime":"2026-01-01T00:00:09.123456+00:00","producer":"urn:test","run":{"runId":"11111111-1111-4111-8111-000000000001","facets":{"lineal_decision":{"by":"a rule","decisions":[{"action":"register","namespace":"mlflow://local","name":"demo","number":1,"digest":"d"},{"action":"move-alias","namespace":"mlflow://local","name":"demo","alias":"champion","number":1,"reason":"held"}]}}},"job":{"namespace":"n","name":"job1"},"inputs":[{"namespace":"d","name":"t0","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}],"outputs":[{"namespace":"d","name":"t1","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}]}');
INSERT INTO "lineal_events" VALUES(3,'11111111-1111-4111-8111-000000000002','START','2026-01-01T01:00:00+00:00','{"eventType":"START","eventTime":"2026-01-01T01:00:00+00:00","producer":"urn:test","run":{"runId":"11111111-1111-4111-8111-000000000002","facets":{}},"job":{"namespace":"n","name":"job2"},"inputs":[{"namespace":"d","name":"t1","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}],"outputs":[]}');
INSERT INTO "lineal_events" VALUES(4,'11111111-1111-4111-8111-000000000002','COMPLETE','2026-01-01T01:00:09+00:00','{"eventType":"COMPLETE","eventTime":"2026-01-01T01:00:09+00:00","producer":"urn:test","run":{"runId":"11111111-1111-4111-8111-000000000002","facets":{"lineal_decision":{"by":"a rule","decisions":[{"action":"register","namespace":"mlflow://local","name":"demo","number":2,"digest":"dd"},{"action":"move-alias","namespace":"mlflow://local","name":"demo","alias":"champion","number":2,"reason":"held"}]}}},"job":{"namespace":"n","name":"job2"},"inputs":[{"namespace":"d","name":"t1","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}],"outputs":[{"namespace":"d","name":"t2","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}]}');
INSERT INTO "lineal_events" VALUES(5,'11111111-1111-4111-8111-000000000003','START','2026-01-01T04:00:00.5+02:00','{"eventType":"START","eventTime":"2026-01-01T04:00:00.5+02:00","producer":"urn:test","run":{"runId":"11111111-1111-4111-8111-000000000003","facets":{}},"job":{"namespace":"n","name":"job3"},"inputs":[{"namespace":"d","name":"t2","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}],"outputs":[]}');
INSERT INTO "lineal_events" VALUES(6,'11111111-1111-4111-8111-000000000003','COMPLETE','2026-01-01T04:00:09.5+02:00','{"eventType":"COMPLETE","eventTime":"2026-01-01T04:00:09.5+02:00","producer":"urn:test","run":{"runId":"11111111-1111-4111-8111-000000000003","facets":{"lineal_decision":{"by":"a rule","decisions":[{"action":"register","namespace":"mlflow://local","name":"demo","number":3,"digest":"ddd"},{"action":"move-alias","namespace":"mlflow://local","name":"demo","alias":"champion","number":3,"reason":"held"}]}}},"job":{"namespace":"n","name":"job3"},"inputs":[{"namespace":"d","name":"t2","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}],"outputs":[{"namespace":"d","name":"t3","facets":{"version":{"datasetVersion":"1"},"datasetType":{"datasetType":"TABLE"}}}]}');
CREATE TABLE lineal_jobs (
	"key" VARCHAR(32) NOT NULL, 
	namespace TEXT NOT NULL, 
	name TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "lineal_jobs" VALUES('d0d58df1f23da5c5fe7e99d80478c28f','n','job1');
INSERT INTO "lineal_jobs" VALUES('96ef45c993c079e21d662dd9302d3c02','n','job2');
INSERT INTO "lineal_jobs" VALUES('5b2822e833a29b2333cce921c8afbdd1','n','job3');
CREATE TABLE lineal_meta (
	"key" VARCHAR(50) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "lineal_meta" VALUES('schema','1');
CREATE TABLE lineal_models (
	namespace TEXT NOT NULL, 
	name TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	version VARCHAR(32) NOT NULL, 
	run_id VARCHAR(36) NOT NULL, 
	registered_at VARCHAR(40) NOT NULL, 
	PRIMARY KEY (namespace, name, number)
);
INSERT INTO "lineal_models" VALUES('mlflow://local','demo',1,'d','a0be04bb7d7bd2e4cd4cfa2e130e6ad7','11111111-1111-4111-8111-000000000001','2026-01-01T00:00:09.123456+00:00');
INSERT INTO "lineal_models" VALUES('mlflow://local','demo',2,'dd','c70dcc2215800609b82f96439aa102f4','11111111-1111-4111-8111-000000000002','2026-01-01T01:00:09+00:00');
INSERT INTO "lineal_models" VALUES('mlflow://local','demo',3,'ddd','ac3aec8921da8f7a44c6e7648136a855','11111111-1111-4111-8111-000000000003','2026-01-01T04:00:09.5+02:00');
CREATE TABLE lineal_runs (
	run_id VARCHAR(36) NOT NULL, 
	job VARCHAR(32) NOT NULL, 
	parent_id VARCHAR(36), 
	root_id VARCHAR(36), 
	state VARCHAR(10) NOT NULL, 
	started_at VARCHAR(40), 
	ended_at VARCHAR(40), 
	engine_id VARCHAR(36), 
	mlflow_id VARCHAR(64), 
	first_seq BIGINT NOT NULL, 
	last_seq BIGINT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "lineal_runs" VALUES('11111111-1111-4111-8111-000000000001','d0d58df1f23da5c5fe7e99d80478c28f',NULL,'11111111-1111-4111-8111-000000000001','COMPLETE','2026-01-01T00:00:00.123456+00:00','2026-01-01T00:00:09.123456+00:00',NULL,NULL,1,2);
INSERT INTO "lineal_runs" VALUES('11111111-1111-4111-8111-000000000002','96ef45c993c079e21d662dd9302d3c02',NULL,'11111111-1111-4111-8111-000000000002','COMPLETE','2026-01-01T01:00:00+00:00','2026-01-01T01:00:09+00:00',NULL,NULL,3,4);
INSERT INTO "lineal_runs" VALUES('11111111-1111-4111-8111-000000000003','5b2822e833a29b2333cce921c8afbdd1',NULL,'11111111-1111-4111-8111-000000000003','COMPLETE','2026-01-01T04:00:00.5+02:00','2026-01-01T04:00:09.5+02:00',NULL,NULL,5,6);
CREATE TABLE lineal_versions (
	"key" VARCHAR(32) NOT NULL, 
	dataset VARCHAR(32) NOT NULL, 
	version TEXT NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	first_seq BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "lineal_versions" VALUES('2169304da91fdc6a89280d5205d6d19e','844460c2d676503a8c51442a3d7b0c85','1','TABLE',1);
INSERT INTO "lineal_versions" VALUES('60f9174c8c86c04d5cdc419508181ae1','55ec8f88961af6765febee4a322e7982','1','TABLE',2);
INSERT INTO "lineal_versions" VALUES('3ef700ed1703783b707d698f682df1fd','366d1d6a3d8c3b35a9f942099c800ba3','1','TABLE',4);
INSERT INTO "lineal_versions" VALUES('e0ab76d5e397eaae4f3fa6c7f55e8249','822f2f83acc5f3614df4d61d5275d10d','1','TABLE',6);
CREATE INDEX lineal_events_run ON lineal_events (run_id, seq);
CREATE INDEX lineal_jobs_name ON lineal_jobs (name);
CREATE INDEX lineal_runs_mlflow ON lineal_runs (mlflow_id);
CREATE INDEX lineal_runs_engine ON lineal_runs (engine_id);
CREATE INDEX lineal_runs_root ON lineal_runs (root_id);
CREATE INDEX lineal_runs_parent ON lineal_runs (parent_id);
CREATE INDEX lineal_runs_job ON lineal_runs (job, first_seq);
CREATE INDEX lineal_datasets_name ON lineal_datasets (name);
CREATE INDEX lineal_versions_dataset ON lineal_versions (dataset, first_seq);
CREATE INDEX lineal_versions_version ON lineal_versions (version);
CREATE INDEX lineal_edges_version ON lineal_edges (version, role);
CREATE INDEX lineal_models_digest ON lineal_models (digest);
CREATE INDEX lineal_models_name ON lineal_models (name, number);
CREATE INDEX lineal_aliases_name ON lineal_aliases (name, alias, seq);
COMMIT;
