//! The keys of the product's own files in the reports bucket.

use rdb_convert::{Comparison, Found, Preview, Survey};
use rdb_footprint::Settings;
use rdb_scan::{Inspection, Magic, Position, RangeInspection};
use sha2::{Digest, Sha256};

use crate::{
    facts::{location::BackupLocation, prices::PriceList},
    flow::{
        conversion::{Conversion, ConversionChunk, ConversionJournal, PlannedRange, WriteTask, WrittenRange},
        grant::{AclHolders, GrantJournal, LeaseHolder, Revocation},
        handover::HandOver,
        outcome::Outcome,
        ownership::Evidence,
        steps::{ApprovalRequest, CreateJournal},
    },
    record::{
        file_key::FileKey,
        known::KnownInspection,
        seeding::{Backup, Seeding},
    },
    verdict::report::{Assessment, ReportCounts},
};

const EXECUTIONS: &str = "executions/";
const GRANTS: &str = "grants/";
const INSPECTIONS: &str = "inspections/";
const PRICES: &str = "prices/";

/// The keys of one execution's files.
#[derive(Debug, Clone)]
pub struct ExecutionFiles<'a> {
    execution: &'a str,
}

impl<'a> ExecutionFiles<'a> {
    /// The files of an execution.
    pub const fn of(execution: &'a str) -> Self {
        Self { execution }
    }

    /// Whether a key is one of the product's own files. Backups may be dropped into the same bucket.
    pub fn owns(key: &str) -> bool {
        [EXECUTIONS, GRANTS, INSPECTIONS].iter().any(|prefix| key.starts_with(prefix))
    }

    /// The prefix of all executions' files.
    pub const fn prefix() -> &'static str {
        EXECUTIONS
    }

    /// The record that every step reads: [`crate::record::seeding::Seeding`].
    pub fn seeding(&self) -> FileKey<Seeding> {
        FileKey::new(format!("{EXECUTIONS}{}/seeding.json", self.execution))
    }

    /// The grants, written before they are made: [`crate::flow::grant::GrantJournal`]. Deleted once they are revoked.
    pub fn grant(&self) -> FileKey<GrantJournal> {
        FileKey::new(format!("{EXECUTIONS}{}/grant.json", self.execution))
    }

    /// Exists once the access is revoked for good: nothing is granted for this execution any more.
    pub fn revoked(&self) -> FileKey<Revocation> {
        FileKey::new(format!("{EXECUTIONS}{}/revoked.json", self.execution))
    }

    /// The call of a create, and whether it was answered: [`crate::flow::steps::CreateJournal`]. Deleted once the
    /// cluster is available, kept or gone.
    pub fn create(&self) -> FileKey<CreateJournal> {
        FileKey::new(format!("{EXECUTIONS}{}/create.json", self.execution))
    }

    /// What is known of the create of a cluster that shows nothing itself: [`Evidence`]. Deleted once it is gone.
    pub fn evidence(&self) -> FileKey<Evidence> {
        FileKey::new(format!("{EXECUTIONS}{}/evidence.json", self.execution))
    }

    /// The conversion of the backups: [`Conversion`].
    pub fn conversion(&self) -> FileKey<Conversion> {
        FileKey::new(format!("{EXECUTIONS}{}/conversion.json", self.execution))
    }

    /// Exists while converted bytes may be in the conversion bucket: [`ConversionJournal`].
    pub fn converting(&self) -> FileKey<ConversionJournal> {
        FileKey::new(format!("{EXECUTIONS}{}/converting.json", self.execution))
    }

    /// The inspection of a backup whose conversion changes its contents.
    pub fn source(&self, backup: usize) -> FileKey<Inspection> {
        FileKey::new(format!("{EXECUTIONS}{}/partials/{backup:03}-source.json", self.execution))
    }

    /// How far the comparison of a backup's keys is.
    pub fn comparison(&self, backup: usize) -> FileKey<Comparison> {
        FileKey::new(format!("{EXECUTIONS}{}/partials/{backup:03}-comparison.json", self.execution))
    }

    /// What a [reading](Comparison::reading) of a range has found.
    pub fn found(&self, chunk: ConversionChunk, reading: u32) -> FileKey<Found> {
        self.of_range(chunk, &format!("found-{reading}"))
    }

    /// What is known before the ranges of a backup are planned, if its keys were compared.
    pub fn survey(&self, backup: usize) -> FileKey<Survey> {
        FileKey::new(format!("{EXECUTIONS}{}/partials/{backup:03}-survey.json", self.execution))
    }

    /// The plan of the conversion of a range, for a new file of this magic.
    pub fn range_plan(&self, chunk: ConversionChunk, magic: Magic) -> FileKey<PlannedRange> {
        let name = match magic {
            Magic::Redis => "plan-redis",
            Magic::Valkey => "plan-valkey",
        };
        self.of_range(chunk, name)
    }

    /// What reading the new file would find in a range.
    pub fn preview(&self, chunk: ConversionChunk) -> FileKey<Preview> {
        self.of_range(chunk, "preview")
    }

    /// What the worker of a range has to know to write it.
    pub fn write_task(&self, chunk: ConversionChunk) -> FileKey<WriteTask> {
        self.of_range(chunk, "task")
    }

    /// What the worker of a range has written.
    pub fn written_range(&self, chunk: ConversionChunk) -> FileKey<WrittenRange> {
        self.of_range(chunk, "written")
    }

    fn of_range<T>(&self, ConversionChunk { backup, range }: ConversionChunk, what: &str) -> FileKey<T> {
        FileKey::new(format!("{EXECUTIONS}{}/partials/{backup:03}-{range:04}-{what}.json", self.execution))
    }

    /// The part of the report against which the new cluster's keys are counted.
    pub fn counts(&self) -> FileKey<ReportCounts> {
        FileKey::new(self.report().as_str().to_owned())
    }

    /// Exists once a person is asked to approve.
    pub fn approval(&self) -> FileKey<ApprovalRequest> {
        FileKey::new(format!("{EXECUTIONS}{}/approval.json", self.execution))
    }

    /// How the seeding ended.
    pub fn outcome(&self) -> FileKey<Outcome> {
        FileKey::new(format!("{EXECUTIONS}{}/outcome.json", self.execution))
    }

    /// The cluster for Terraform, if it was seeded.
    pub fn handover(&self) -> FileKey<HandOver> {
        FileKey::new(format!("{EXECUTIONS}{}/handover.tf", self.execution))
    }

    /// The full report.
    pub fn report(&self) -> FileKey<Assessment> {
        FileKey::new(format!("{EXECUTIONS}{}/report.json", self.execution))
    }

    /// The report as a page for a browser.
    pub fn page(&self) -> FileKey<String> {
        FileKey::new(format!("{EXECUTIONS}{}/report.html", self.execution))
    }

    /// The inspection of one chunk of one backup.
    pub fn partial(&self, backup: usize, start: u64, end: u64) -> FileKey<RangeInspection> {
        FileKey::new(format!(
            "{EXECUTIONS}{}/partials/{backup:03}-{start:016}-{end:016}.json",
            self.execution
        ))
    }

    /// The position to start at in a gap between two chunks: [`rdb_scan::Position`].
    pub fn gap(&self, backup: usize, start: u64) -> FileKey<Position> {
        FileKey::new(format!("{EXECUTIONS}{}/partials/{backup:03}-{start:016}-gap.json", self.execution))
    }

    /// The inspection of an object by an earlier seeding: [`crate::record::known::KnownInspection`].
    ///
    /// An object with the same name, ETag and size has the same contents: the ETag is a digest of them or, for
    /// multipart and KMS-encrypted objects, differs at least with each upload. Inspections with and without key names
    /// are different files, and so are those weighed for different engines.
    pub fn inspection(backup: &Backup, hide_keys: bool, memory: &Settings) -> FileKey<KnownInspection> {
        let Backup { location, etag, size_bytes, .. } = backup;
        let digest = hex::encode(Sha256::digest(location.to_string()));
        // Drops the quotes, and whatever else would make a folder.
        let etag = etag.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "");
        let (schema, hidden) = (rdb_scan::SCHEMA, if hide_keys { "-hidden" } else { "" });
        let memory = memory.id();
        FileKey::new(format!(
            "{INSPECTIONS}{}/{etag}-{size_bytes}-v{schema}-{memory}{hidden}.json",
            &digest[..32]
        ))
    }

    /// The prices of a region's nodes, which a person puts there. Its prefix may have backups too: no trigger takes a
    /// file of this name.
    pub fn prices(region: &str) -> FileKey<PriceList> {
        FileKey::new(format!("{PRICES}{region}.json"))
    }

    /// The lease on editing a bucket's permissions.
    pub fn lease(bucket: &str) -> FileKey<LeaseHolder> {
        FileKey::new(format!("{GRANTS}{bucket}/lease.json"))
    }

    /// The executions that need the ACL grant on an object, and its earlier permissions.
    pub fn acl_holders(location: &BackupLocation) -> FileKey<AclHolders> {
        let digest = hex::encode(Sha256::digest(&location.key));
        FileKey::new(format!("{GRANTS}{}/acl-{}.json", location.bucket, &digest[..32]))
    }
}

#[cfg(test)]
mod tests {
    use rdb_footprint::Generation;

    use super::*;

    fn orders() -> Backup {
        Backup {
            location: BackupLocation::parse("backups/in/orders.rdb").unwrap(),
            size_bytes: 100,
            etag: "\"e1-3\"".into(),
            kms_key_id: None,
            known_inspection: None,
            converted_from: None,
            header: None,
        }
    }

    fn inspection(backup: &Backup, hide_keys: bool) -> String {
        ExecutionFiles::inspection(backup, hide_keys, &Settings::new(Generation::Valkey81)).to_string()
    }

    #[test]
    fn what_is_known_stands_for_no_other_object_and_never_shows_names_that_are_to_be_hidden() {
        let key = inspection(&orders(), false);
        assert!(key.contains(&format!("/e1-3-100-v{}-valkey-8.1-", rdb_scan::SCHEMA)), "{key}");
        assert!(ExecutionFiles::owns(&key));
        let of = |change: fn(&mut Backup)| {
            let mut backup = orders();
            change(&mut backup);
            inspection(&backup, false)
        };
        // The same key and ETag in another bucket: the border between bucket and key counts.
        let others = [
            of(|backup| backup.location = BackupLocation::parse("backups-in/orders.rdb").unwrap()),
            of(|backup| backup.location = BackupLocation::parse("backups/in/orders2.rdb").unwrap()),
            of(|backup| backup.etag = "\"e1\"".into()),
            of(|backup| backup.size_bytes = 101),
            inspection(&orders(), true),
            ExecutionFiles::inspection(&orders(), false, &Settings::new(Generation::Valkey9)).to_string(),
        ];
        assert!(others.iter().all(|other| *other != key), "{others:?}");
    }

    #[test]
    fn an_etag_is_no_folder() {
        let backup = Backup { etag: "\"../../grants/a\"".into(), ..orders() };
        let key = inspection(&backup, false);
        assert!(
            key.starts_with(INSPECTIONS) && key.contains(&format!("/grantsa-100-v{}-", rdb_scan::SCHEMA)),
            "{key}"
        );
    }
}
