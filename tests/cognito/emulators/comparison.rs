//! The scenarios with each emulator, compared with the table in both directions.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::scenarios::{ALL, Scenario};
use super::server::Emulator;
use super::table::{Expected, TABLE, expected};
use super::world::World;

#[testkit::test]
async fn the_scenarios_match_the_table_with_cognito_local() {
    all_is_as_the_table_says(Emulator::CognitoLocal).await;
}

#[testkit::test]
async fn the_scenarios_match_the_table_with_moto() {
    all_is_as_the_table_says(Emulator::Moto).await;
}

async fn all_is_as_the_table_says(emulator: Emulator) {
    let world = World::new(emulator, ALL).await;
    let mut differences = String::new();
    for scenario in ALL {
        world.go_on();
        let scene = world.scene(scenario).await;
        let observed = (scenario.run)(&scene).await;
        if let Some(difference) = difference(emulator, scenario, &observed) {
            writeln!(differences, "{difference}").unwrap();
        }
    }
    assert!(differences.is_empty(), "{emulator:?}:\n{differences}");
}

fn difference(emulator: Emulator, scenario: &Scenario, observed: &str) -> Option<String> {
    let id = scenario.id;
    let wanted = match expected(emulator, id) {
        None => return Some(format!("{id} is not in the table; observed: {observed}")),
        Some(Expected::Works) => scenario.aws,
        Some(Expected::Cant(answer)) => answer,
    };
    (wanted != observed).then(|| format!("{id}: the table says {wanted:?}; observed: {observed:?}"))
}

#[test]
fn the_table_has_each_scenario_once_and_nothing_else() {
    let table: Vec<_> = TABLE.iter().map(|(name, _, _)| *name).collect();
    let scenarios: Vec<_> = ALL.iter().map(|scenario| scenario.id).collect();
    assert_eq!(table, scenarios);
}

/// docs/emulators.md contains the same table.
#[test]
fn the_documentation_has_the_same_table() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/emulators.md")).unwrap();
    let cell = |expected| match expected {
        Expected::Works => "the same".to_owned(),
        Expected::Cant(answer) => format!("`{answer}`"),
    };
    let row = |((id, cognito_local, moto), scenario): (&(&str, Expected, Expected), &Scenario)| {
        format!("| `{id}` | `{}` | {} | {} |", scenario.aws, cell(*cognito_local), cell(*moto))
    };
    let wanted: Vec<_> = TABLE.iter().zip(ALL).map(row).collect();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows, wanted);
}

#[test]
fn a_difference_of_an_emulator_differs_from_aws() {
    for scenario in ALL {
        for emulator in [Emulator::CognitoLocal, Emulator::Moto] {
            assert_ne!(
                expected(emulator, scenario.id),
                Some(Expected::Cant(scenario.aws)),
                "{}",
                scenario.id
            );
        }
    }
}
