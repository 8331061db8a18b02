# Reads the messages of a folder with Email::MIME. Prints one JSON object, by file name.
use strict;
use warnings;
use Email::Address::XS;
use Email::MIME;
use Encode qw(decode);
use JSON::PP;
use MIME::Base64 qw(encode_base64);

my $lists = qr/^(from|to|cc|reply-to|sender|errors-to|(disposition-notification|mail-followup|return-receipt)-to)$/;

sub boxes {
    my @boxes = Email::Address::XS->parse(decode('utf-8', $_[0]));
    return [map { [decode('MIME-Header', $_->phrase // ''), $_->address] } @boxes];
}

my ($folder) = @ARGV;
my %found;
opendir(my $dir, $folder) or die $!;
for my $name (grep { /\.eml$/ } readdir $dir) {
    open(my $file, '<:raw', "$folder/$name") or die $!;
    my $mail = Email::MIME->new(do { local $/; <$file> });
    my %read = (text => '', html => '', files => [], subject => $mail->header_str('Subject'));
    for my $field (map { lc } $mail->header_names) {
        if ($field =~ $lists) {
            $read{boxes}{$field} = boxes($mail->header_raw($field));
        } else {
            $read{fields}{$field} = $mail->header_str($field);
        }
    }
    $mail->walk_parts(sub {
        my ($part) = @_;
        my $type = lc($part->content_type =~ s/;.*//sr);
        return if $type =~ m{^multipart/};
        if (defined(my $filename = $part->filename)) {
            my $id = ($part->header_raw('Content-ID') // '') =~ s/^<|>$//gr;
            push @{$read{files}}, [$filename, $type, $id, encode_base64($part->body, '')];
        } else {
            $read{$type eq 'text/html' ? 'html' : 'text'} = $part->body_str;
        }
    });
    $found{$name} = \%read;
}
print JSON::PP->new->utf8->encode(\%found);
