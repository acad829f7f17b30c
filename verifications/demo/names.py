"""Invented names of many scripts, as a document writes them in Latin and in its own letters."""

from typing import NamedTuple


class Name(NamedTuple):
    latin: str
    original: str


class Group(NamedTuple):
    """Names that go together; where a surname tells the sex, all given names are of that sex."""

    country: str
    city: str
    sex: str
    given: list[Name]
    families: list[Name]


def _names(text: str) -> list[Name]:
    """Words, each alone or as Latin/original; an underscore stands for a space."""
    pairs = (word.replace("_", " ").partition("/") for word in text.split())
    return [Name(latin, original or latin) for latin, _, original in pairs]


def _group(country: str, city: str, sex: str, given: str, families: str) -> Group:
    return Group(country, city, sex, _names(given), _names(families))


GROUPS = [
    _group(
        "LT",
        "Kaunas, Lithuania",
        "FEMALE",
        "Žiedra Ūla Eglė Šarūnė Ąžuolė Rūta",
        "Išgalvotaitė Pramanytė Šnekutytė Žodelytė Kūrybaitė Vėjūnė",
    ),
    _group(
        "LT",
        "Vilnius, Lithuania",
        "MALE",
        "Gintas Žygis Šarūnas Rokas Jokūbas Ąžuolas",
        "Pramanytauskas Žodelis Įdomauskas Šviesėnas Būtasis Ūkanis",
    ),
    _group(
        "PL",
        "Gdynia, Poland",
        "FEMALE",
        "Żegosława Bożena Świętosława Łucja Małgorzata Zofia",
        "Zmyślińska Źródlana Śnieżyńska Ćwiekowa Łąkowska Wymyślna",
    ),
    _group(
        "IE",
        "Galway, Ireland",
        "FEMALE",
        "Niamh-Íde Caoimhe Órlaith Síofra Gráinne Sadhbh",
        "O’Finscéalaí Ní_Scéal Mac_Finn O’Bréag Ní_Fhicsean De_Brún",
    ),
    _group(
        "IS",
        "Akureyri, Iceland",
        "FEMALE",
        "Þórgunnhildur Ásdís Hrafnhildur Æsa Guðný Ýr",
        "Skáldadóttir Sögudóttir Þulardóttir Óðsdóttir Ævarsdóttir Ljóðsdóttir",
    ),
    _group(
        "TR",
        "Bursa, Türkiye",
        "FEMALE",
        "Işılay Gülşah Çiğdem İpek Özge Şirin",
        "Kurmacaoğlu Uydurgan Düşçü Öykücü Şiirli Yalınız",
    ),
    _group(
        "HU",
        "Szeged, Hungary",
        "FEMALE",
        "Őrsike Tünde Ágnes Enikő Írisz Zsófia",
        "Kitalált Fűzfás Mesebeli Költő Álmos Őszi",
    ),
    _group(
        "DE",
        "Bremen, Germany",
        "MALE",
        "Jörg-Maßen Götz Björn Lüder Käthe Ödön",
        "Erfundenstein Großmär Dichtäcker Ungefähr Märchenhöfer Scheinweiß",
    ),
    _group(
        "CZ",
        "Brno, Czechia",
        "MALE",
        "Řehoř Jiří Čeněk Ondřej Šimon Zdeněk",
        "Vymyšlený Báječný Smýšlenka Příběh Říčný Žlutý",
    ),
    _group(
        "ES",
        "Girona, Spain",
        "FEMALE",
        "Núria Begoña Íngrid Montserrat Aránzazu Lucía",
        "Fictícia Inventada Cuentòs Señalada Fábulas Peñón",
    ),
    _group(
        "PT",
        "Coimbra, Portugal",
        "FEMALE",
        "Conceição Inês Luísa Bárbara Leonor Mónica",
        "Imaginária Fantasia Ficção Sonhões Invenção Vila-Ficta",
    ),
    _group(
        "SE",
        "Umeå, Sweden",
        "MALE",
        "Åke Örjan Göran Märten Håkan Björn",
        "Påhittsson Sagåker Drömström Låtsåsen Diktängen Ödeskog",
    ),
    _group(
        "VN",
        "Đà Nẵng, Vietnam",
        "MALE",
        "Hư_Cấu Tưởng_Tượng Bịa Đặt Mộng Ảo",
        "Nguyễn-Trần Đỗ_Thử Phạm_Mẫu Vũ_Ví_Dụ Lê_Giả Hồ_Ảo",
    ),
    _group(
        "US",
        "Hilo, United States",
        "MALE",
        "Kealohanuiʻole Wendell Marlon Keʻala Dexter Orson",
        "Makebelieve Haʻiolelo Fairytale Storey Fableman Sampleton",
    ),
    _group(
        "BG",
        "Plovdiv, Bulgaria",
        "FEMALE",
        "Tsvetomira/Цветомира Rada/Рада Yoana/Йоана Zhivka/Живка Shtiliyana/Щилияна Nevena/Невена",
        "Izmislenova/Измисленова Prikazkova/Приказкова Vymislova/Въмислова Zvezdova/Звездова "
        "Mechtanova/Мечтанова Izvorska/Изворска",
    ),
    _group(
        "UA",
        "Poltava, Ukraine",
        "FEMALE",
        "Haliandra/Ґаляндра Yevheniia/Євгенія Iryna/Ірина Solomiia/Соломія Zlata/Злата Yina/Їна",
        "Vyhadanenko/Вигаданенко Kazkarenko/Казкаренко Mriienko/Мрієнко Zirchenko/Зірченко "
        "Zarichenko/Заріченко Dyvenko/Дивенко",
    ),
    _group(
        "GR",
        "Patras, Greece",
        "FEMALE",
        "Effrosyni/Ευφροσύνη Kalliopi/Καλλιόπη Myrto/Μυρτώ Thaleia/Θάλεια "
        "Ioulia/Ιουλία Niovi/Νιόβη",
        "Paramythopoulou/Παραμυθοπούλου Fantasiadou/Φαντασιάδου Mythopoulou/Μυθοπούλου "
        "Oneiraki/Ονειράκη Theatrinou/Θεατρινού Asterinou/Αστερινού",
    ),
    _group(
        "TN",
        "Sousse, Tunisia",
        "FEMALE",
        "Nourhane/نورهان Amira/أميرة Layla/ليلى Salma/سلمى Yasmine/ياسمين Houda/هدى",
        "Al-Khayaliyya/الخيالية Al-Mithal/المثال Al-Hikaya/الحكاية Bin-Wahm/بن_وهم "
        "Al-Usturi/الأسطوري Al-Namudhaj/النموذج",
    ),
    _group(
        "IL",
        "Haifa, Israel",
        "FEMALE",
        "Bidionit/בדיונית Noa/נועה Tamar/תמר Yael/יעל Shira/שירה Ayelet/איילת",
        "Hamtzaa/המצאה Agadati/אגדתי Dimyoni/דמיוני Sipur/סיפור Mashal/משל Halomi/חלומי",
    ),
    _group(
        "TW",
        "Tainan, Taiwan",
        "MALE",
        "Linche/霖澈 Mingyu/明宇 Zihan/子涵 Haoran/浩然 Wenjie/文傑 Yichen/奕辰",
        "Ouyang/歐陽 Situ/司徒 Xuni/虛擬 Jiading/假定 Huanxiang/幻想 Shili/示例",
    ),
    _group(
        "JP",
        "Kanazawa, Japan",
        "FEMALE",
        "Kakuko/架空子 Sakura/さくら Yumemi/夢見 Haruka/遥 Mihoko/見本子 Akari/あかり",
        "Yoshioka/𠮷岡 Kashiwabara/柏原 Mihonda/見本田 Rezaki/例崎 Sorano/空野 Tatoeba/例場",
    ),
    _group(
        "KR",
        "Daegu, South Korea",
        "MALE",
        "Gasangmin/가상민 Seojun/서준 Haneul/하늘 Minjae/민재 Dohyeon/도현 Yejun/예준",
        "Heo/허 Gajeong/가정 Gyeonbon/견본 Sangsang/상상 Namgung/남궁 Jegal/제갈",
    ),
    _group(
        "TH",
        "Chiang Mai, Thailand",
        "MALE",
        "Sommutiphop/สมมุติภพ Nitan/นิทาน Thotlong/ทดลอง Chintana/จินตนา Tuayang/ตัวอย่าง Fan/ฝัน",
        "Sommut/สมมุติ Tuayang/ตัวอย่าง Nithan/นิทาน Lonkham/ล้นคำ Duangdao/ดวงดาว Chamlong/จำลอง",
    ),
]
