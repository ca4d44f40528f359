//! Deadlines, signals and the lock.

use super::*;

#[test]
fn a_wait_for_a_report_ends_at_its_deadline() {
    for (timeout, waits) in [(ms(0), vec![0]), (ms(50), vec![50]), (Duration::from_micros(1_200), vec![2])] {
        let fake = Fake::new([(ms(60), Ok(64))]);
        assert_eq!(fake.reports(HidKind::Fido).receive(&mut [0; 64], timeout), Ok(0));
        let state = fake.state();
        assert_eq!(state.waits, waits, "{timeout:?}");
        assert!(state.now >= timeout && state.now < timeout + ms(1), "{timeout:?}: {:?}", state.now);
    }
}

#[test]
fn a_wait_that_ends_early_goes_on_with_what_is_left_of_it() {
    let interrupted = || Err(io_error(Errno::INTR));
    let fake = Fake::new([(ms(10), Ok(0)), (ms(20), interrupted()), (ms(5), interrupted()), (ms(7), Ok(64))]);
    assert_eq!(fake.reports(HidKind::Fido).receive(&mut [0; 64], ms(50)), Ok(64));
    assert_eq!(fake.state().waits, [50, 40, 20, 15]);
    let fake = Fake::new([(ms(10), Ok(0)), (ms(39), interrupted())]);
    assert_eq!(fake.reports(HidKind::Fido).receive(&mut [0; 64], ms(50)), Ok(0));
    assert_eq!(fake.state().waits, [50, 40, 1]);
}

#[test]
fn a_signal_ends_no_exchange() {
    let interrupted = || text("ioctl (GFEATURE): EINTR: Interrupted system call");
    let fake = Fake::quick([Err(interrupted()), Err(interrupted()), Ok(9), Err(interrupted()), Ok(9)]);
    let mut reports = fake.reports(HidKind::Keyboard);
    assert_eq!(reports.receive(&mut [0; 8], Duration::ZERO), Ok(8));
    reports.send(&[7; 8]).unwrap();
    assert_eq!(fake.state().sent.len(), 2);
    let fake = Fake::quick([Err(io_error(Errno::INTR)), Ok(65)]);
    fake.reports(HidKind::Fido).send(&[7; 64]).unwrap();
    assert_eq!(fake.state().sent.len(), 2);
    assert_eq!(fake.elapsed(), Duration::ZERO, "the node is not watched for its removal");
}

#[test]
fn the_lock_is_taken_once_and_released() {
    let fake = Fake::quick([]);
    let mut reports = fake.reports(HidKind::Fido);
    reports.lock(LONG).unwrap();
    reports.lock(LONG).unwrap();
    assert_eq!(fake.lock_state(), (1, true));
    reports.unlock();
    assert_eq!(fake.lock_state(), (1, false));
    reports.lock(LONG).unwrap();
    assert_eq!(fake.lock_state(), (2, true));
}

#[test]
fn a_lock_that_another_program_holds_is_awaited_until_the_timeout() {
    let fake = Fake::quick([]);
    fake.state().locks.extend([Errno::WOULDBLOCK, Errno::INTR, Errno::WOULDBLOCK]);
    fake.reports(HidKind::Fido).lock(LONG).unwrap();
    assert_eq!((fake.elapsed(), fake.lock_state()), (ms(40), (4, true)));

    let fake = Fake::quick([]);
    fake.state().locks.extend([Errno::WOULDBLOCK; 100]);
    assert_eq!(fake.reports(HidKind::Fido).lock(ms(100)), Err(Error::Busy));
    assert_eq!((fake.elapsed(), fake.lock_state()), (ms(100), (6, false)));
}

#[test]
fn another_error_of_the_lock_is_treated_like_that_of_an_exchange() {
    let fake = Fake::quick([]);
    fake.state().locks.extend([Errno::NODEV]);
    fake.remove(Some(ms(900)), Some(ms(900)));
    assert_eq!(fake.reports(HidKind::Fido).lock(LONG), Err(Error::Removed));
    assert_eq!((fake.elapsed(), fake.lock_state()), (ms(900), (1, false)));
}
