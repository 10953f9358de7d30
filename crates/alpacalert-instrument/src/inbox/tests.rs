use super::*;

fn kind() -> Kind {
    Kind::of("example.org/Report")
}

fn id(reference: &str) -> NodeId {
    NodeId::new("local", kind(), reference)
}

fn token(text: &str) -> Secret {
    Secret::unresolved("${env:TOKEN}").resolved(text.to_owned(), Vec::new())
}

fn word() -> Word {
    Word::new(Observation::passing(crate::testing::NOW), None)
}

#[tokio::test(start_paused = true)]
async fn what_arrives_with_the_right_token_is_heard_by_all_who_expect_it() {
    let inbox = Inbox::default();
    let one = inbox.expect(&id("one"), "backup", token("secret"));
    let two = inbox.expect(&id("two"), "backup", token("secret"));
    assert_eq!(one.newest(), None);
    let mut heard = inbox
        .post(&kind(), "backup", Pass::Token("secret"), word())
        .unwrap();
    heard.sort();
    assert_eq!(heard, [id("one"), id("two")]);
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(two.newest().unwrap().age(), Duration::from_secs(7));
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_name_are_refused_alike() {
    let inbox = Inbox::default();
    let expected = inbox.expect(&id("one"), "backup", token("secret"));
    for (name, said) in [("backup", "Secret"), ("backup", ""), ("restore", "secret")] {
        assert_eq!(
            inbox.post(&kind(), name, Pass::Token(said), word()),
            Err(Refused)
        );
    }
    let other = Kind::of("example.org/Other");
    assert_eq!(
        inbox.post(&other, "backup", Pass::Token("secret"), word()),
        Err(Refused)
    );
    assert_eq!(expected.newest(), None);
}

#[tokio::test]
async fn a_token_can_be_changed_while_a_sensor_lives_on() {
    let inbox = Inbox::default();
    let old = inbox.expect(&id("one"), "backup", token("old"));
    drop(inbox.expect(&id("one"), "backup", token("new")));
    assert!(
        inbox
            .post(&kind(), "backup", Pass::Token("old"), word())
            .is_err()
    );
    assert!(
        inbox
            .post(&kind(), "backup", Pass::Token("new"), word())
            .is_ok()
    );
    assert!(old.newest().is_some());
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_refused_and_still_remembered() {
    let inbox = Inbox::default();
    let sensor = inbox.expect(&id("one"), "backup", token("secret"));
    inbox
        .post(&kind(), "backup", Pass::Token("secret"), word())
        .unwrap();
    drop(sensor);
    assert!(
        inbox
            .post(&kind(), "backup", Pass::Token("secret"), word())
            .is_err()
    );
    // Other limits make another node of it: what was said stays said.
    let other = inbox.expect(&id("one~2"), "backup", token("secret"));
    assert!(other.newest().is_some());
}

#[tokio::test(start_paused = true)]
async fn another_run_goes_on_with_what_was_said_and_how_old_it_is() {
    let inbox = Inbox::default();
    let _sensor = inbox.expect(&id("one"), "backup", token("secret"));
    inbox
        .post(&kind(), "backup", Pass::Token("secret"), word())
        .unwrap();
    let kept = inbox.kept();
    let later = crate::testing::NOW + jiff::SignedDuration::from_hours(30);
    let next = Inbox::default();
    let sensor = next.expect(&id("one"), "backup", token("secret"));
    next.restore(kept.clone(), later);
    assert_eq!(
        sensor.newest().unwrap().age(),
        Duration::from_secs(30 * 3600)
    );
    // What is newer stays, and a clock that was set back makes nothing younger than now.
    next.post(&kind(), "backup", Pass::Token("secret"), word())
        .unwrap();
    next.restore(
        kept,
        crate::testing::NOW - jiff::SignedDuration::from_hours(1),
    );
    assert_eq!(sensor.newest().unwrap().age(), Duration::ZERO);
}
