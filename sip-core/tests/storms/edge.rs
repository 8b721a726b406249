//! The edge's objects, each restored, used and forgotten.

use std::collections::BTreeMap;

use wakeline_sip::edge::{
    BearerError, CallRecord, Claims, Flow, FlowInput, FlowOutput, FlowToken, Line, LineInput,
    LineOutput, Number, Row, RowChange, SiteConfig, SiteId, Uid, Verifier,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::{Duration, Time};

/// Tokens of the tests are the number itself: no cryptography here.
struct TestTokens;

impl Verifier for TestTokens {
    fn bearer(&self, token: &str, now: Time) -> Result<Claims, BearerError> {
        Ok(Claims {
            uid: Uid::parse(&format!("u{token}")).map_err(|_| BearerError::Invalid)?,
            number: Number::parse(token).map_err(|_| BearerError::Invalid)?,
            display_name: Some(format!("Name of {token}")),
            device: None,
            expires_at: now + Duration::from_secs(3600),
        })
    }
}

#[derive(Default)]
struct Object {
    rows: BTreeMap<(String, String), String>,
    deadline: Option<Time>,
}

impl Object {
    fn apply(&mut self, change: RowChange) {
        match change {
            RowChange::Store(row) => drop(self.rows.insert((row.table, row.key), row.value)),
            RowChange::Delete { table, key } => drop(self.rows.remove(&(table, key))),
        }
    }

    fn read(&self) -> Vec<Row> {
        let row = |((table, key), value): (&(String, String), &String)| Row {
            table: table.clone(),
            key: key.clone(),
            value: value.clone(),
        };
        self.rows.iter().map(row).collect()
    }
}

/// All objects of one site.
pub struct Edge {
    pub config: SiteConfig,
    pub entropy: Entropy,
    pub records: Vec<CallRecord>,
    lines: BTreeMap<String, Object>,
    flows: BTreeMap<String, Object>,
}

impl Edge {
    pub fn new(seed: u64) -> Self {
        Self {
            config: SiteConfig::new(SiteId::parse("demo").unwrap(), "wakeline.test"),
            entropy: Entropy::for_tests(seed),
            records: Vec::new(),
            lines: BTreeMap::new(),
            flows: BTreeMap::new(),
        }
    }

    /// The object whose deadline is first.
    pub fn next_deadline(&self) -> Option<(Time, String)> {
        let all = self.lines.iter().chain(&self.flows);
        all.filter_map(|(name, object)| object.deadline.map(|at| (at, name.clone())))
            .min()
    }

    pub fn line(&mut self, now: Time, name: &str, input: LineInput) -> Vec<LineOutput> {
        let number = Number::parse(name.rsplit(':').next().unwrap()).unwrap();
        let object = self.lines.entry(name.to_owned()).or_default();
        let entropy = Entropy::from_seed(self.entropy.bytes());
        let mut line = Line::restore(self.config.clone(), number, entropy, object.read()).unwrap();
        line.handle_input(now, input);
        let mut outputs = Vec::new();
        while let Some(output) = line.poll_output() {
            match output {
                LineOutput::Row(change) => object.apply(change),
                other => outputs.push(other),
            }
        }
        object.deadline = line.deadline();
        outputs
    }

    pub fn flow(&mut self, now: Time, name: &str, input: FlowInput) -> Vec<FlowOutput> {
        let token = FlowToken::parse(name.rsplit(':').next().unwrap()).unwrap();
        let object = self.flows.entry(name.to_owned()).or_default();
        let entropy = Entropy::from_seed(self.entropy.bytes());
        let mut flow = Flow::restore(
            self.config.clone(),
            token,
            entropy,
            Box::new(TestTokens),
            object.read(),
        )
        .unwrap();
        flow.handle_input(now, input);
        let mut outputs = Vec::new();
        while let Some(output) = flow.poll_output() {
            match output {
                FlowOutput::Row(change) => object.apply(change),
                other => outputs.push(other),
            }
        }
        object.deadline = flow.deadline();
        outputs
    }

    /// What all objects together still hold of these tables: a leak, once everything is over.
    pub fn left_over(&self, tables: &[&str]) -> Vec<String> {
        let mut left = Vec::new();
        for (name, object) in self.lines.iter().chain(&self.flows) {
            for ((table, key), value) in &object.rows {
                if tables.contains(&table.as_str()) {
                    left.push(format!("{name} {table} {key} {value}"));
                }
            }
        }
        left
    }
}
