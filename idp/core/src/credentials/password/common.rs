//! Passwords that are guessed first: those of eight characters and more that public lists of leaked passwords have on top,
//! and the patterns that stand for many others.

/// Whether a password, in lower case, is commonly guessed: on the list, on it but for a year or signs at its end, one
/// character over and over, or a run along the alphabet or the digits.
pub(super) fn is_common(password: &str) -> bool {
    let stem = password.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    let is_listed = |text: &str| COMMON.split_ascii_whitespace().any(|common| common == text);
    is_listed(password) || is_listed(stem) || has_constant_step(password)
}

/// `aaaaaaaa`, `abcdefgh`, `87654321`.
fn has_constant_step(password: &str) -> bool {
    let points = || password.chars().map(|c| i64::from(u32::from(c)));
    let mut steps = points().zip(points().skip(1)).map(|(left, right)| right - left);
    let Some(first) = steps.next() else { return true };
    first.abs() <= 1 && steps.all(|step| step == first)
}

const COMMON: &str = "
!qaz2wsx 01234567 0123456789 100200300 10101010 11223344 1122334455 112233445566 12121212 123123123 123321123
12341234 12344321 123454321 123456123 1234567890q 123456789a 12345678a 123456aa 12345qwert 1234qwer 123654789
123789456 123abc123 123qwe123 123qweasd 13131313 147258369 147852369 147896325 159357258 159753123 19871987 1q2w3e4r
1q2w3e4r5t 1qaz2wsx 1qazxsw2 20202020 31415926 314159265 555666777 69696969 741852963 789456123 88888888 963852741
987654321 a1234567 a12345678 a123456789 a1b2c3d4 aa123456 aa12345678 abc12345 abc123456 abcd1234 access14 admin123
admin1234 admin12345 admin@123 adminadmin administrator alexander alexandra america1 angel123 arsenal1 asd123456
asdf1234 asdfasdf asdfghjk asdfghjkl asdfghjkl1 ashley123 asshole1 australia autumn123 azertyuiop babygirl babygirl1
barcelona baseball baseball1 basketball batman123 beautiful benjamin blessed1 blink182 bullshit business buster123
butterfly canada123 changeme changeme1 changeme123 charlie1 charlie123 chelsea1 chicago1 chocolate chocolate1
christian company1 computer computer1 contraseña cookie123 correcthorsebatterystaple corvette cristina cupcake1
daddy123 dallas123 default1 defaultpassword demo1234 demodemo deutschland diamond1 dickhead1 dragon123 elizabeth
england1 example1 facebook facebook1 family123 fenerbahce ferrari1 flower123 football football1 forever1 forever21
fortnite1 freedom1 friends1 friendship fuckyou! fuckyou1 galatasaray ginger123 god12345 goodluck google123 guest123
handsome harley123 hello123 hello1234 hellohello hockey123 hunter123 hunter22 ilovegod ilovejesus iloveyou iloveyou!
iloveyou1 iloveyou2 instagram internet internet1 januar123 jennifer jennifer1 jessica1 jesus123 jesuschrist jonathan
jordan23 juventus killer123 letmein1 letmein123 linkedin liverpool liverpool1 login123 loginlogin lovelove lovelove1
lovely123 loveyou1 lösenord maggie123 manager1 manchester master123 matrix123 mercedes metallica michael1 michael23
michelle microsoft minecraft mommy123 monday123 monkey123 motdepasse mother123 mustafa1 mustang1 mypassword mysecret
newyork1 nicholas nintendo1 nirvana1 office365 oracle123 p@ssw0rd p@ssword pa$$w0rd pa55word pass1234 pass12345
passpass passw0rd passw0rd1 password password! password0 password01 password1 password10 password11 password12
password123 password1234 password2 password5 password7 password99 passwort passwort1 patricia pepper123 playstation
pokemon1 pokemon123 porsche1 precious princess princess1 q1w2e3r4 q1w2e3r4t5 qazwsxedc qweasdzxc qweqweqwe qwer1234
qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui qwertyuiop qwertz123 qwertzuiop rainbow1 realmadrid root1234
rootroot salasana samantha samsung1 secret123 security security1 server123 service1 shadow123 slipknot1 snoopy123
soccer123 spiderman spring123 starwars starwars1 strawberry summer123 sunshine sunshine1 superman superman1 support1
sweetheart system32 temp1234 temporary test1234 test12345 tester123 testing1 testing123 testtest thunder1 tigger123
toor1234 topsecret trustno1 user1234 username victoria wachtwoord welcome! welcome01 welcome1 welcome12 welcome123
whatever whatever1 windows1 windows10 winter123 yamaha123 zaq12wsx zaq1zaq1 zxcvbnm, zxcvbnm1 zxcvbnm123
";
