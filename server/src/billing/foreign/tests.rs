//! What other systems write.

use super::*;

fn read(text: &str) -> Understood {
    let full = MembershipTypeId::new("full").expect("a name");
    let types = ["full", "vollmitglied"].map(|name| (name.to_owned(), full.clone()));
    let reading = Reading {
        types: types.into_iter().collect(),
        currency: Some("eur".to_owned()),
        ..Reading::default()
    };
    let table = Table::read(text).expect("a table");
    understand(&table, &reading)
}

#[test]
fn a_german_spreadsheet_is_understood() {
    let text = "Vorname;Nachname;E-Mail;Kartennummer;Tarif;Bezahlt bis;Betrag\r\n\
                Jürgen;\"Groß; der Ältere\";j@example.org;0077705923;Vollmitglied;31.12.2026;40,00 €\r\n\
                ;;;;;;\r\n\
                Özlem;Ünal;;0077705924;;;\r\n";
    let understood = read(text);
    assert_eq!(understood.faults, []);
    assert_eq!(understood.cards, CardForm::Decimal);
    let [one, two] = &understood.rows[..] else {
        panic!("{:?}", understood.rows);
    };
    assert_eq!(
        (one.name.as_str(), one.line),
        ("Jürgen Groß; der Ältere", 2)
    );
    assert_eq!(one.cards[0].reveal(), "04A1B2C3");
    let paid = one.paid.as_ref().expect("paid");
    assert_eq!(paid.membership.as_str(), "full");
    assert_eq!(paid.until.to_string(), "2026-12-31");
    assert_eq!(paid.money, Some((4000, "eur".to_owned())));
    assert_eq!(
        (two.name.as_str(), two.line, &two.paid),
        ("Özlem Ünal", 4, &None)
    );
}

#[test]
fn what_old_spreadsheets_write_is_text_too() {
    assert_eq!(decode(b"J\xfcrgen"), "Jürgen");
    assert_eq!(decode("Jürgen".as_bytes()), "Jürgen");
    assert_eq!(decode(b"\xff\xfeJ\0\xfc\0"), "Jü");
    assert_eq!(decode("\u{feff}Jü".as_bytes()), "Jü");
}

#[test]
fn what_is_wrong_is_told_by_row_and_column_and_never_repeated() {
    let text = "name,mail,uid,membership,paid until,amount,currency\n\
                ,secret,04A1B2C3,,,,\n\
                Ben,ben@example.org,secret,full,,,\n\
                Cleo,cleo@example.org,,full,secret,,\n\
                Dora,dora@example.org,,secret,,,\n\
                Eve,eve@example.org,,,2026-12-31,,\n\
                Fay,fay@example.org,,full,2026-12-31,secret,\n\
                Gil,gil@example.org,,full,2026-12-31,40,secret\n\
                Hal,,,,,,\n\
                Ida,ida@example.org,04A1B2C4,,,,\n\
                Jo,IDA@example.org,,,,,\n\
                Kim,,04 A1 B2 C4,,,,\n";
    let understood = read(text);
    let faults = understood.faults.iter();
    let named = faults.map(|fault| (fault.line, fault.column.as_deref().unwrap_or("-")));
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            (2, "name"),
            (2, "mail"),
            (3, "uid"),
            (4, "paid until"),
            (5, "membership"),
            (6, "membership"),
            (7, "amount"),
            (8, "currency"),
            (9, "mail"),
            (11, "mail"),
            (12, "uid"),
        ]
    );
    assert_eq!(understood.rows.len(), 1);
    let told = format!("{:?}", understood.faults);
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn what_a_column_holds_can_be_said() {
    let table = Table::read("a\tb\tc\nAda\tada@example.org\t118,02135\n").expect("a table");
    assert_eq!(table.guess(), [None, None, None]);
    let columns = [Meaning::Name, Meaning::Mail, Meaning::Cards].map(Some);
    let reading = Reading {
        columns: Some(columns.to_vec()),
        ..Reading::default()
    };
    let understood = understand(&table, &reading);
    assert_eq!(understood.cards, CardForm::Wiegand);
    assert_eq!(understood.rows[0].cards[0].reveal(), "760857");
    assert!(Table::read("").is_err() && Table::read("name,mail\n").is_err());
}
