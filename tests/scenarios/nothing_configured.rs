//! A server with nothing configured runs and says what is missing.

use server::billing::receive::ReceiveError;
use shared::time::Span;
use tests::building::Building;

stories! {
    fn a_server_without_anything_runs_and_lets_an_admin_grant_access(way: WayIn) {
        let mut b = Building::without_stripe(way);
        b.furnish();
        let answer = b.receive(Some(b"t=1,v1=00"), b"{}").expect("it runs");
        assert!(matches!(answer, Err(ReceiveError::NoSecret)), "{answer:?}");
        let ada = b.member("Ada", "04A1B2C3");
        b.grant(ada, "5", None);
        b.advance(Span::days(40));
        assert!(b.tap(ada, "front").opens());
        b.settle();
        b.badges_arrived_once_each();
    }
}
