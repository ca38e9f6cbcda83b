use super::*;
use crate::billing::read::ProductInfo;
use proptest::prelude::*;

fn nicknamed(nickname: &str) -> PriceInfo {
    PriceInfo {
        id: "price_1".to_owned(),
        nickname: Some(nickname.to_owned()),
        ..PriceInfo::default()
    }
}

fn found(price: &PriceInfo) -> Option<(String, Place)> {
    resolve(price).found.map(|found| (found.x, found.place))
}

fn known(names: &[&str]) -> BTreeSet<MembershipTypeId> {
    names
        .iter()
        .map(|name| MembershipTypeId::new(*name).expect("a good name"))
        .collect()
}

fn membership(price: &PriceInfo, names: &[&str]) -> Option<String> {
    let found = resolve(price).found?;
    match_type(&found.x, &known(names))
        .membership
        .map(String::from)
}

#[test]
fn an_exact_tag_names_what_follows_up_to_the_first_stop() {
    for (text, x) in [
        ("membertype_5", "5"),
        ("membertype_5-every-1-month-5000-usd", "5"),
        ("membertype_5-every-1-month-5000-usd-test", "5"),
        ("membertype_5 Basic", "5"),
        ("membertype_5\u{a0}Basic", "5"),
        ("membertype_5\tBasic", "5"),
        ("membertype_5: Basic", "5"),
        ("membertype_5Basic", "5Basic"),
        ("membertype_Basic", "Basic"),
        ("membertype_old_5-monthly", "old_5"),
        ("membertype_05", "05"),
        ("membertype_99", "99"),
        ("membertype__", "_"),
        ("membertype_00", "00"),
    ] {
        let tag = resolve(&nicknamed(text));
        assert_eq!(
            tag.found,
            Some(Found {
                x: x.to_owned(),
                place: Place::Nickname
            }),
            "{text}"
        );
        assert_eq!(tag.warnings, [], "{text}");
    }
}

#[test]
fn a_tag_without_a_usable_type_grants_nothing_and_is_reported() {
    let long = format!("membertype_{}", "a".repeat(65));
    for text in [
        "membertype_",
        "membertype_-5",
        "membertype_-every-1-month",
        "membertype_0",
        "membertype_0-x",
        "membertype_ 5",
        "membertype_５",
        "membertype_5é",
        "membertype_5.5",
        "membertype_:5",
        &long,
    ] {
        let tag = resolve(&nicknamed(text));
        assert_eq!(tag.found, None, "{text}");
        assert_eq!(
            tag.warnings,
            [Warning::Malformed {
                place: Place::Nickname,
                text: text.to_owned()
            }],
            "{text}"
        );
    }
}

#[test]
fn near_misses_grant_nothing_and_are_reported() {
    for text in [
        "Membertype_5",
        "MEMBERTYPE_5",
        "member_type_5",
        "member-type-5",
        "membertype-5",
        "membertype 5",
        "membertype5",
        "membertype",
        "membertype:5",
        " membertype_5",
        "\u{feff}membertype_5",
        "\u{a0}membertype_5",
        "\u{200b}membertype_5",
        "ｍｅｍｂｅｒｔｙｐｅ_5",
        "member\u{ad}type_5",
        "CiviCRM membertype_5",
        "x-membertype_5",
        "Member-Type: 5",
    ] {
        let tag = resolve(&nicknamed(text));
        assert_eq!(tag.found, None, "{text}");
        assert_eq!(
            tag.warnings,
            [Warning::NearMiss {
                place: Place::Nickname,
                text: text.to_owned()
            }],
            "{text}"
        );
    }
}

#[test]
fn other_texts_are_nobodys_business() {
    for text in [
        "",
        "Basic",
        "Membership",
        "membertypes explained",
        "member",
        "remember types",
        "type_5",
        "price_1",
    ] {
        assert_eq!(resolve(&nicknamed(text)), Tag::default(), "{text}");
    }
}

#[test]
fn the_first_place_wins_and_the_others_are_named_if_they_disagree() {
    let product = ProductInfo {
        id: "prod_1".to_owned(),
        name: Some("membertype_7".to_owned()),
        description: Some("membertype_8".to_owned()),
        metadata: [("membertype".to_owned(), "6".to_owned())].into(),
        active: true,
    };
    let mut price = PriceInfo {
        id: "membertype_1".to_owned(),
        plan: None,
        nickname: Some("membertype_2".to_owned()),
        name: Some("membertype_3".to_owned()),
        lookup_key: Some("membertype_5".to_owned()),
        metadata: [("membertype".to_owned(), "4".to_owned())].into(),
        product_id: Some("prod_1".to_owned()),
        product: Some(product),
        active: true,
        ..PriceInfo::default()
    };
    let remove: [fn(&mut PriceInfo); 8] = [
        |price| price.id = "price_1".to_owned(),
        |price| price.nickname = None,
        |price| price.name = None,
        |price| price.metadata.clear(),
        |price| price.lookup_key = None,
        |price| {
            price
                .product
                .iter_mut()
                .for_each(|product| product.metadata.clear())
        },
        |price| {
            price
                .product
                .iter_mut()
                .for_each(|product| product.name = None)
        },
        |price| {
            price
                .product
                .iter_mut()
                .for_each(|product| product.description = None)
        },
    ];
    for (at, (place, remove)) in Place::ALL.into_iter().zip(remove).enumerate() {
        let tag = resolve(&price);
        assert_eq!(
            tag.found,
            Some(Found {
                x: (at + 1).to_string(),
                place
            })
        );
        assert_eq!(tag.warnings.len(), 7 - at, "each lower place disagrees");
        assert!(
            tag.warnings
                .iter()
                .all(|warning| matches!(warning, Warning::Disagree { .. }))
        );
        remove(&mut price);
    }
    assert_eq!(resolve(&price), Tag::default());
}

#[test]
fn places_that_agree_say_nothing() {
    let price = PriceInfo {
        id: "membertype_5-a".to_owned(),
        ..nicknamed("membertype_5-b")
    };
    assert_eq!(resolve(&price).warnings, []);
}

#[test]
fn a_malformed_tag_blocks_no_lower_place() {
    let price = PriceInfo {
        id: "membertype_-x".to_owned(),
        ..nicknamed("membertype_5")
    };
    assert_eq!(found(&price), Some(("5".to_owned(), Place::Nickname)));
    let warnings = resolve(&price).warnings;
    assert_eq!(
        warnings,
        [Warning::Malformed {
            place: Place::Id,
            text: "membertype_-x".to_owned()
        }]
    );
}

#[test]
fn a_near_miss_below_the_tag_is_noise_and_above_it_is_news() {
    let below = PriceInfo {
        id: "membertype_5".to_owned(),
        ..nicknamed("Membertype_6")
    };
    assert_eq!(resolve(&below).warnings, []);
    let mut above = nicknamed("Membertype_6");
    above.lookup_key = Some("membertype_5".to_owned());
    assert_eq!(found(&above), Some(("5".to_owned(), Place::LookupKey)));
    assert_eq!(resolve(&above).warnings.len(), 1);
}

#[test]
fn in_metadata_the_type_may_stand_alone() {
    for (value, wanted) in [
        ("5", Some("5")),
        ("old_5", Some("old_5")),
        ("membertype_5", Some("5")),
        ("0", None),
        ("", None),
        (" 5", None),
        ("5-a", None),
    ] {
        let mut price = nicknamed("Basic");
        price
            .metadata
            .insert("membertype".to_owned(), value.to_owned());
        let tag = resolve(&price);
        assert_eq!(
            tag.found.map(|found| found.x).as_deref(),
            wanted,
            "{value:?}"
        );
        assert_eq!(
            tag.warnings.len(),
            usize::from(wanted.is_none()),
            "{value:?}"
        );
    }
}

#[test]
fn the_plan_id_of_an_item_is_as_good_as_its_price_id() {
    let price = PriceInfo {
        plan: Some("membertype_5-x".to_owned()),
        ..nicknamed("membertype_6")
    };
    assert_eq!(found(&price), Some(("5".to_owned(), Place::Id)));
}

#[test]
fn a_type_must_exist() {
    assert_eq!(
        membership(&nicknamed("membertype_5"), &["5"]).as_deref(),
        Some("5")
    );
    for (text, names, warning) in [
        (
            "membertype_99",
            &["5"][..],
            Warning::Unknown { x: "99".to_owned() },
        ),
        (
            "membertype_5Basic",
            &["5"],
            Warning::Unknown {
                x: "5Basic".to_owned(),
            },
        ),
    ] {
        let x = resolve(&nicknamed(text)).found.expect("well-formed").x;
        assert_eq!(
            match_type(&x, &known(names)),
            Match {
                membership: None,
                warning: Some(warning)
            }
        );
    }
}

#[test]
fn zeros_in_front_and_other_capitals_are_another_type() {
    for (x, meant) in [("05", "5"), ("Basic", "basic"), ("basic", "Basic")] {
        let matched = match_type(x, &known(&[meant]));
        let meant = MembershipTypeId::new(meant).expect("a good name");
        assert_eq!(
            matched,
            Match {
                membership: None,
                warning: Some(Warning::Almost {
                    x: x.to_owned(),
                    meant
                })
            }
        );
    }
    assert_eq!(
        match_type("05", &known(&["05", "5"])).membership,
        MembershipTypeId::new("05").ok()
    );
}

#[test]
fn the_last_part_counts_only_if_the_whole_is_unknown() {
    let five = MembershipTypeId::new("5").expect("a good name");
    let warning = Warning::LastPart {
        x: "old_5".to_owned(),
        taken: five.clone(),
    };
    assert_eq!(
        match_type("old_5", &known(&["5"])),
        Match {
            membership: Some(five),
            warning: Some(warning)
        }
    );
    let whole = match_type("old_5", &known(&["5", "old_5"]));
    assert_eq!(
        whole,
        Match {
            membership: MembershipTypeId::new("old_5").ok(),
            warning: None
        }
    );
}

#[test]
fn places_keep_their_names() {
    let names: Vec<&str> = Place::ALL.iter().map(|place| place.as_str()).collect();
    assert_eq!(
        names,
        [
            "id",
            "nickname",
            "plan_name",
            "metadata",
            "lookup_key",
            "product_metadata",
            "product_name",
            "product_description"
        ]
    );
    assert!(
        Place::ALL
            .iter()
            .all(|place| Place::from_name(place.as_str()) == Some(*place))
    );
    assert_eq!(Place::from_name("elsewhere"), None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_is_found_is_well_formed(text in "(membertype_)?.{0,80}") {
        if let Some(found) = resolve(&nicknamed(&text)).found {
            prop_assert!(MembershipTypeId::new(found.x.clone()).is_ok());
            prop_assert!(text.starts_with(PREFIX));
            let matched = match_type(&found.x, &known(&["5"])).membership;
            prop_assert!(matched.is_none() || found.x.ends_with('5'));
        }
    }
}
